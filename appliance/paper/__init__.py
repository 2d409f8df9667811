"""Printed papers: their content (document), their layout and the PDF (pdf).

A child process (__main__) makes the PDF: its libraries and fonts take 60 MB, needed only meanwhile,
and a citizen's text is laid out where it can harm nothing else.
"""

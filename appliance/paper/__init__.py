"""Printed papers: their content (document), their looks and the PDF (pdf).

The PDF is made by a child process (__main__): its libraries and fonts are 60 MB that nobody needs
between two papers, and what a citizen typed is laid out where nothing else can be harmed.
"""

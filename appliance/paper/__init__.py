"""Papers that the box writes: what stands on them (document), their looks (page), the PDF (engine).

The PDF is made by a child (child, __main__): its libraries and fonts are 60 MB that nobody needs
between two papers, and what a citizen typed is laid out where nothing else can be harmed.
"""

"""The field tester's suite: what two lines of one site can really do, each with a figure."""

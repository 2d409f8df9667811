"""The box tried against its own simulator, in seconds: is it the box, or the line?"""

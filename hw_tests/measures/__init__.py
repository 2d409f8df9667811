"""What is measured, a room a file; each function takes the field and gives its findings."""

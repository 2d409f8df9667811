"""What is measured, a subject a file; each function takes the field and gives its findings."""

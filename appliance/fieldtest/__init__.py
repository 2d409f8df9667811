"""The field test's other half: it runs `hw_tests`, writes the report, restores the service.

For a technician's hours at a box; the running product imports neither it nor its libraries.
"""

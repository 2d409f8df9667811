"""Call control as a process: composition, loop, supervision, jobs."""

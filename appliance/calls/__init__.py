"""Call processing, pure: events in, commands out; no clock, thread, file or socket."""

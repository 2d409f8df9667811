"""Call processing, pure: events in, orders out; no clock, thread, file or socket."""

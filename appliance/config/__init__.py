"""The desk's composition: configuration, calendar, service."""

"""Pure room of the written policy: hours, routing, service states."""

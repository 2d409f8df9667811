"""Pure room of the call: facts, orders, requests, the table of states, the Switchboard."""

"""Stand-ins for what is outside the appliance: a telephone exchange and a SIP phone in software."""

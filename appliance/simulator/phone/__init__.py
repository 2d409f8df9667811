"""A small SIP phone for the demonstration and the end-to-end tests; the product never imports it.

It is an independent, deliberately simple reading of SIP and RTP (RFC 3261, 3264, 3550, 4733), so
that a misreading in `appliance.sip` meets a second opinion.
"""

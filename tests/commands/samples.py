"""The smallest configuration of a box on which commands are tried."""

CONFIG = """\
[site]
name = "Test"
patron = "10-04"
languages = ["it"]
[hours]
[sip]
address = "127.0.15.7"
[folders]
state = "{folder}/state"
run = "{folder}/run"
"""

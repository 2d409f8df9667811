"""The register of offices: who may be reached, for what, when, and what a return leads to (P4)."""

"""Measurements anyone can repeat, each beside a peer in the same run. Not part of the test suite."""

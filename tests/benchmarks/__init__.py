"""Measurements that anyone can repeat, each next to a peer in the same run. Not part of the test suite."""

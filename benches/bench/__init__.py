"""Measures the bridge beside the least that a relay can do, and beside what the disk asks for one commit."""

"""The end-to-end suite and the demo: the real bridge, a real Synapse, the simulator, and Element in Chromium."""

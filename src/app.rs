//! wires the rooms of the house together and runs them until shutdown.

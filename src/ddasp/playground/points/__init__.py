"""Where points come from, what the network is fed of them, and who is learned from."""

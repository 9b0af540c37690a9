"""Nova's virt driver for Zunbox: it hands each of Nova's calls to the agent of its host."""

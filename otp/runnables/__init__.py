"""Ready-made runnables: what many services consist of, under the rules of the tree."""

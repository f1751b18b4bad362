"""What runs runnables: implementations of `otp.tree.backend`, handed to the tree by `otp.system`."""

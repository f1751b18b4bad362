"""The behaviour supervisor: OTP's supervisor and Elixir's dynamic one, as a part of the decision.

A behaviour supervisor is a node without a runnable. It does one thing after the other: it starts its children in order,
each once the one before it has started, and stops them in reverse. What happens meanwhile waits in its queue.

    record        what a supervisor knows: its children, its queue, the task it is at
    close         its end, as far as it concerns those who wait for it
    halt          the stop of one node with all below it, in order
    children      how children come into the tree and leave it
    exits         what its children tell it: hooks of the other rules
    tasks         the task it is at: stop these, then start those
    restarts      what the end of a child leads to
    requests      what is asked of it from outside
    serve         the next thing in its queue
    queries       what is to be known about its children

The other modules of the decision only tell it what happened (`exits`); it goes on when they have finished, at the end of
the same event, so that the length of a chain of supervisors is no depth of any stack.
"""

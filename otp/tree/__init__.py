"""The engine: the decision, the actors that carry it out, and what they hand to backends and the façade."""

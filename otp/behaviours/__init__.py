"""The behaviours: what OTP calls the parts that nearly every service is made of, on top of the façade."""

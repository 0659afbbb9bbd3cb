"""The volunteer's side: asks, and only after a yes samples, signs and sends."""

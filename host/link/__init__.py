"""The link: frames, messages, client and transports. It knows nothing of models."""

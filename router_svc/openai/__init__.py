"""OpenAI's dialect at the router's edges: requests in, answers, errors and headers out. Pure functions."""

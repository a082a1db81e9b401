"""`pointsman eval`: how well a policy routes, and what choosing between models is worth, on cases of one's own."""

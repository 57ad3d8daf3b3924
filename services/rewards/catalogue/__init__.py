"""What points buy: products with their stock, and the days a venue does not accept them."""

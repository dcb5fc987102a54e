"""How well a recipe of training learns, on speakers it has not heard, at any offset and over disturbances."""

"""How good a model is, on recordings that it was not trained on."""

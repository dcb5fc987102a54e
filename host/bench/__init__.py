"""What things cost: the layers of a model, the engine and the frontend beside their recorded peers."""

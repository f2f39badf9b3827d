"""What runs the model's signatures: in this process, or in a model server."""

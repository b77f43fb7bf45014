"""The network for images, trained by PyTorch. Importing this package imports nothing: `cnn.runs` needs no PyTorch."""

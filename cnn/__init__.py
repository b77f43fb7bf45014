"""The network for images, trained by PyTorch. Importing this package imports nothing: `cnn.runs` needs no PyTorch.

The version is the whole project's. It stands here because all else may import it.
"""

__version__ = "0.1.0"

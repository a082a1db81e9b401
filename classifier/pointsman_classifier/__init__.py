"""What a request is about: categories, difficulty, needs, language, and which route it belongs to.

`embedded.EmbeddedClassifier` answers in process. Importing this package costs nothing: onnxruntime and the
encoder's weights are loaded by `EmbeddedClassifier.load`.
"""

import os

# Before numpy is loaded: its products here are too small to be worth waking a second core for, and waiting for it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

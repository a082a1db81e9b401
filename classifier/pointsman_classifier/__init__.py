"""What a request is about: categories, difficulty, needs, language, and which route it belongs to.

`embedded.EmbeddedClassifier` answers in process. Importing this package costs nothing: onnxruntime and the
encoder's weights are loaded by `EmbeddedClassifier.load`.
"""

"""The model.

Encoders, the multimodal language model, the processor, bundles and inference steps.
"""

"""Training: from labelled photos and Fashion-MNIST to `clothing_model.keras` and its card.

    pictures ─▶ augment ─▶ batches ─▶ fit ─▶ calibrate ─▶ recipe ─▶ NEW.keras, NEW.tflite, NEW.json
    (decoded once,            │        │     (temperature,
     split by sender)      teacher  network   thresholds)
                                    adapter

`python -m clothing.training --help` is the command, `model.ipynb` tells the story. The service
never imports this package; TensorFlow is imported only inside its functions.
"""

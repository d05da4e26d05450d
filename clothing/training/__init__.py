"""Training: from labelled photos and Fashion-MNIST to `clothing_model.keras` and its card.

    pictures ─▶ outlines ─▶ floors ─▶ augment ─▶ fit ─▶ calibrate ─▶ recipe ─▶ NEW.keras, …
    (decoded    (garments   (laid              (network, (temperature,
     once, split cut out)    elsewhere)         teacher)  thresholds)
     by sender)

`python -m clothing.training --help` is the command, `model.ipynb` tells the story. The service
never imports this package; TensorFlow is imported only inside its functions.
"""

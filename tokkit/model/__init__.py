"""Text classifiers. Imports point one way, from the top of this list to the bottom.

predict, finetune  the entry points, loose in this package; `evaluation` and `features` hold their own
requests           what is wrong with a call, without torch
folds              cross-validation: one model per fold
training           from rows to a published model folder
folder             the model folder: classifier, tokenizer, receipt, predictions
network            the classifier: body, head, loss, inference
tasks              what a row is given: one label, several, a tag per token, a number
metrics            scores as pure functions over arrays
options            what the user may choose; light, for `--help`
"""

"""Text classifiers. Imports point one way, from the top of this list to the bottom.

finetune           an entry point, loose in this package; `prediction`, `evaluation`, `features` and
                   `export` hold theirs
backends           which library computes a model folder; only that one is loaded
exported           folders that `export` writes, and the runtimes that compute them; without torch
requests           what is wrong with a call, without torch
folds              cross-validation: one model per fold
training           from rows to a published model folder
folder             the model folder: classifier, tokenizer, receipt, predictions
network            the classifier: body, head, loss, inference
tasks              what a row is given: one label, several, a tag per token, a number
metrics            scores as pure functions over arrays
options            what the user may choose; light, for `--help`
"""

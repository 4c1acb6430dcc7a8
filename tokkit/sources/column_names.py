"""Names that the columns of text data usually carry."""

TEXT_NAMES = (
    *("text", "sentence", "document", "review", "content", "comment", "utterance", "body", "message"),
    *("tweet", "sentence1", "premise", "question", "query", "title"),
)
# names of a first text -> that of the second, where rows are pairs
PAIR_NAMES = {
    **{"sentence1": "sentence2", "premise": "hypothesis", "question1": "question2", "text1": "text2"},
    **{"question": "context", "query": "passage", "text": "text_pair", "sentence": "sentence2"},
}
LABEL_NAMES = (
    *("label", "label_name", "labels", "class", "class_name", "target", "category", "sentiment", "emotion"),
    *("intent", "topic", "stars", "rating"),
)
ID_NAMES = ("id", "idx", "guid", "uid", "row_id", "index")
# how pandas calls a column without a name, before its number
UNNAMED = "Unnamed: "

# corpus.awk - a labelled file that anybody can make: lines of the form label TAB text, drawn from three small
# vocabularies with shared words, so that a model must learn and some documents stay hard.
# Variables: n documents, seed.
BEGIN {
    srand(seed)
    split("goal match team player score league coach referee stadium season", word_sport, " ")
    split("recipe oven butter onion soup garlic flavour roast spice dinner", word_food, " ")
    split("kernel compiler network server patch socket thread library driver cache", word_code, " ")
    split("the a good new old very long short today again some many with without fast slow", shared, " ")
    split("sport food code", labels, " ")
    for (i = 0; i < n; i++) {
        label = labels[1 + int(rand() * 3)]
        text = ""
        m = 6 + int(rand() * 8)
        for (k = 0; k < m; k++) {
            which = rand() < 0.12 ? labels[1 + int(rand() * 3)] : label
            j = 1 + int(rand() * 10)
            if (rand() < 0.55)
                w = shared[1 + int(rand() * 16)]
            else
                w = which == "sport" ? word_sport[j] : which == "food" ? word_food[j] : word_code[j]
            text = text (k ? " " : "") w
        }
        print label "\t" text " " i
    }
}

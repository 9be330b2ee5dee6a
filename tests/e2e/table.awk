# A table "height,width,colour,noise,TARGET" of n rows by a seed; kind is binary, classes or numbers. Every ninth height
# is missing. usage: awk -v n=400 -v seed=1 -v kind=binary -f table.awk
function draw() {
    state = (state * 16807) % 2147483647
    return state / 2147483647
}
BEGIN {
    state = seed * 7919 + 17
    split("red green blue", colours, " ")
    print "height,width,colour,noise," (kind == "numbers" ? "price" : "target")
    for (i = 0; i < 10; i++)
        draw()
    for (i = 1; i <= n; i++) {
        height = draw() * 10
        width = draw() * 10
        colour = int(draw() * 3) + 1
        value = height + (colour == 2 ? 8 : 0) + (width > 5 ? 3 : 0) + draw() - 0.5
        label = kind == "numbers" ? sprintf("%.3f", value) : kind == "binary" ? (value > 10 ? "yes" : "no") : \
            value < 7 ? "low" : value < 13 ? "middle" : "high"
        printf "%s,%.3f,%s,%.3f,%s\n", i % 9 == 0 ? "NA" : sprintf("%.3f", height), width, colours[colour], draw(), label
    }
}

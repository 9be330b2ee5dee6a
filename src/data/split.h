/* data/split.h - seeded, stratified parts of a dataset that do not depend on the order of its rows.
 * Threads: pure functions. */
#ifndef AGLM_DATA_SPLIT_H
#define AGLM_DATA_SPLIT_H

#include "data/dataset.h"

/* Gives each document a fold 0..folds-1. Stratified by label (multi-label: by its rarest label;
 * numbers to predict: by tenths); within a label documents are ordered by hash(seed, text), so that
 * the same text always falls into the same fold (duplicates never straddle two folds) whatever the
 * order of rows. fold_of holds one byte a document; 2 <= folds <= 255. */
aglm_rc aglm_split_folds(const aglm_dataset *d, unsigned folds, uint64_t seed, uint8_t *fold_of,
                         aglm_error *err);

/* A seeded order in which every prefix is about stratified: for learning on a fraction of the data.
 */
aglm_rc aglm_split_order(const aglm_dataset *d, uint64_t seed, uint32_t *order, aglm_error *err);

#endif

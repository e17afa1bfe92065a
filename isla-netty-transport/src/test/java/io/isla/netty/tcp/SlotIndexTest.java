/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Finding records by a hash: all of those with it, none of the others, whatever was removed between them. */
class SlotIndexTest {
    private final SlotIndex index = new SlotIndex();

    private TreeSet<Integer> slots(int hash) {
        TreeSet<Integer> slots = new TreeSet<>();
        for (int i = index.first(hash); i != SlotIndex.NONE; i = index.next(i, hash)) {
            assertThat(slots.add(index.slot(i))).as("found once").isTrue();
        }
        return slots;
    }

    @Test
    void findsNothingInAnEmptyOne() {
        assertThat(index.first(0)).isEqualTo(SlotIndex.NONE);
        assertThat(index.first(-1)).isEqualTo(SlotIndex.NONE);
    }

    @Test
    void slotAndHashMayBeZeroAndTheHashNegative() {
        index.add(0, 0);
        index.add(-1, 7);
        assertThat(slots(0)).containsExactly(0);
        assertThat(slots(-1)).containsExactly(7);
        index.remove(0, 0);
        assertThat(slots(0)).isEmpty();
        assertThat(slots(-1)).containsExactly(7);
    }

    /**
     * Against lists.
     *
     * @param hashes of how many different hashes: with few, most entries stand where others belong
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 5, 40, 1_000_000})
    void findsWhatIsThere(int hashes) {
        Random random = new Random(hashes);
        List<int[]> present = new ArrayList<>();
        int slot = 0;
        for (int step = 0; step < 4000; step++) {
            boolean growing = step % 1000 < 600;
            if (present.isEmpty() || random.nextInt(4) == 0 != growing) {
                // Not spread over the table: their places are next to one another, and around its end.
                int hash = random.nextInt(hashes) - hashes / 2;
                index.add(hash, slot);
                present.add(new int[] {hash, slot++});
            } else {
                int[] gone = present.remove(random.nextInt(present.size()));
                index.remove(gone[0], gone[1]);
                assertThat(slots(gone[0])).doesNotContain(gone[1]);
            }
            if (step % 20 == 0) {
                for (int[] entry : present) {
                    assertThat(slots(entry[0])).contains(entry[1]);
                }
            }
        }
        int found = 0;
        for (int hash = -hashes / 2 - 1; hash <= hashes / 2; hash++) {
            found += slots(hash).size();
        }
        assertThat(found).isEqualTo(present.size());
    }
}

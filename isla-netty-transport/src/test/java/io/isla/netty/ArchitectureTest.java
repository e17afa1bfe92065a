/*
 * Copyright The Isla Authors
 * SPDX-License-Identifier: Apache-2.0
 */
package io.isla.netty;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.net.InetAddress;
import java.time.Clock;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The house: a room per layer, arrows that point down only, and protocols that know neither thread nor clock nor device. */
class ArchitectureTest {

    private static final String ROOT = "io.isla.netty";

    /** Rooms that depend on no other, and that every other may use. */
    private static final Set<String> FOUNDATIONS = Set.of("wire", "timer", "counter");

    /** Which rooms each room may use, beside itself and {@link #FOUNDATIONS}. */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            Map.entry("channel", Set.of("host", "stack", "tcp", "udp", "dhcp", "ip", "link")),
            Map.entry("host", Set.of("stack", "tcp", "dhcp", "ip", "link")),
            Map.entry("stack", Set.of("tcp", "udp", "dhcp", "ip", "link")),
            Map.entry("tcp", Set.of("ip")),
            Map.entry("udp", Set.of("ip")),
            Map.entry("dhcp", Set.of("udp")),
            Map.entry("ip", Set.of("link")),
            Map.entry("link", Set.of()),
            Map.entry("sim", Set.of("channel", "host", "stack", "tcp", "link")),
            Map.entry("wire", Set.of()),
            Map.entry("timer", Set.of()),
            Map.entry("counter", Set.of()));

    /** What a transport protocol may know of a link: the shape of a frame, which the network layer hands on as it is. */
    private static final DescribedPredicate<JavaClass> FRAMES = nameMatching(
                    "io\\.isla\\.netty\\.link\\.(InboundFrame|OutboundFrame|FrameBuffer|SegmentationType)(\\$.*)?")
            .<JavaClass>forSubtype()
            .as("frames");

    private static final Set<String> ROOMS_THAT_KNOW_FRAMES = Set.of("tcp", "udp");

    /** The rooms that can run anywhere: time and randomness are handed to them. */
    private static final String[] PROTOCOLS =
            packages(Stream.of("wire", "timer", "counter", "ip", "tcp", "udp", "dhcp"));

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    @Test
    void everyClassLivesInARoom() {
        classes()
                .should()
                .resideInAnyPackage(packages(ARROWS.keySet().stream()))
                .check(CLASSES);
        assertThat(CLASSES).as("the library's classes").isNotEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rooms")
    void arrowsPointDownOnly(String room) {
        Stream<String> foundations = FOUNDATIONS.contains(room) ? Stream.empty() : FOUNDATIONS.stream();
        DescribedPredicate<JavaClass> allowed =
                resideInAnyPackage(packages(Stream.of(Stream.of(room), foundations, ARROWS.get(room).stream())
                        .flatMap(rooms -> rooms)));
        if (ROOMS_THAT_KNOW_FRAMES.contains(room)) {
            allowed = allowed.or(FRAMES);
        }
        noClasses()
                .that()
                .resideInAPackage(ROOT + "." + room + "..")
                .should()
                .dependOnClassesThat(resideInAPackage(ROOT + "..").and(not(allowed)))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    static Stream<String> rooms() {
        return ARROWS.keySet().stream().sorted();
    }

    @Test
    void noRoomsGoInACircle() {
        slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void protocolsKnowNoClock() {
        noClasses()
                .that()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(Clock.class)
                .orShould()
                .callMethodWhere(target(owner(resideInAPackage("java.time.."))).and(target(nameMatching("now"))))
                .check(CLASSES);
    }

    @Test
    void protocolsKnowNoThread() {
        noClasses()
                .that()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Thread.class)
                .orShould()
                .dependOnClassesThat(resideInAPackage("java.util.concurrent..").and(not(belongToAnyOf(TimeUnit.class))))
                .orShould()
                .dependOnClassesThat(resideInAnyPackage("io.netty.util.concurrent.."))
                .check(CLASSES);
    }

    @Test
    void protocolsKnowNoLock() {
        noMethods()
                .that()
                .areDeclaredInClassesThat()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .haveModifier(JavaModifier.SYNCHRONIZED)
                .check(CLASSES);
    }

    @Test
    void protocolsShareNothingWithAnotherThread() {
        noFields()
                .that()
                .areDeclaredInClassesThat()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .haveModifier(JavaModifier.VOLATILE)
                .check(CLASSES);
    }

    @Test
    void protocolsKnowNoEventLoopAndNoChannel() {
        noClasses()
                .that()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("io.netty.channel..", "io.netty.bootstrap..", "java.nio.channels.."))
                .check(CLASSES);
    }

    @Test
    void protocolsTakeTheirRandomnessFromOutside() {
        noClasses()
                .that()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Random.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(SplittableRandom.class)
                .orShould()
                .dependOnClassesThat(nameMatching("java\\.util\\.random\\.RandomGeneratorFactory"))
                .orShould()
                .callMethod(Math.class, "random")
                .orShould()
                .callMethodWhere(target(owner(nameMatching("java\\.util\\.random\\.RandomGenerator")))
                        .and(target(nameMatching("of|getDefault"))))
                .check(CLASSES);
    }

    @Test
    void protocolsKnowNoFileAndNoSocket() {
        noClasses()
                .that()
                .resideInAnyPackage(PROTOCOLS)
                .should()
                .dependOnClassesThat(operatingSystem())
                .orShould()
                .dependOnClassesThat(resideInAPackage("java.nio.file.."))
                .orShould()
                // A name would be looked up.
                .callMethodWhere(target(owner(belongToAnyOf(InetAddress.class)))
                        .and(target(
                                nameMatching("getByName|getAllByName|getLocalHost|getHostName|getCanonicalHostName"))))
                .check(CLASSES);
    }

    @Test
    void onlyTheLinkTouchesTheOperatingSystem() {
        noClasses()
                .that()
                // What is seen of a test that has failed goes to a file.
                .resideOutsideOfPackages(ROOT + ".link..", ROOT + ".sim.junit..")
                .should()
                .dependOnClassesThat(operatingSystem())
                .check(CLASSES);
    }

    /** Files, processes, native code. A {@link java.nio.file.Path} is only a name. */
    private static DescribedPredicate<JavaClass> operatingSystem() {
        return resideInAnyPackage("com.sun.jna..", "sun..", "jdk.internal..", "java.nio.file..")
                .and(not(nameMatching("java\\.nio\\.file\\.Path")))
                .or(nameMatching("java\\.io\\.(File.*|RandomAccessFile|Console)"))
                .or(nameMatching("java\\.nio\\.channels\\.(File|.*Socket|Datagram|Selector).*"))
                .or(nameMatching("java\\.net\\.(Server|Datagram|Multicast)?Socket"))
                .or(nameMatching("java\\.lang\\.(Process.*|Runtime)"))
                .or(nameMatching("io\\.netty\\.channel\\.unix\\.(FileDescriptor|Socket|Buffer|IovArray)"))
                .or(nameMatching("io\\.netty\\.channel\\.epoll\\.(Native.*|LinuxSocket)"))
                .as("classes of the operating system");
    }

    private static String[] packages(Stream<String> rooms) {
        return rooms.map(room -> ROOT + "." + room + "..").toArray(String[]::new);
    }
}

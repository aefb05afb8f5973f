package org.junit.runner;
@java.lang.annotation.Retention(java.lang.annotation.RetentionPolicy.RUNTIME)
public @interface RunWith {
    Class<? extends Runner> value();
}
